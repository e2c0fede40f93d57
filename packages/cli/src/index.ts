export { runCli } from './cli.ts';
export { UserError } from './user-error.ts';
