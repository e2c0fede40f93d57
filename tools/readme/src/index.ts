export { type RunExample, runReadmeExample } from './run-readme-example.ts';
export { firstUntrueLine, type ShownCommand, shownCommands } from './shown-commands.ts';
