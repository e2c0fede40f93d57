export { type RunExample, runReadmeExample } from './run-readme-example.ts';
