import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

/** What an example printed, and what the README says that it prints. */
export interface RunExample {
  readonly printed: string;
  readonly promised: string;
}

const IMPORT = /import (\{[^}]*\}) from '([^']+)';/g;

/**
 * Runs the first `ts` block of a README. What it logs is `printed`; the first `text` block is `promised`.
 * @param readme the file
 * @param modules what its imports stand for, by name
 */
export function runReadmeExample(readme: URL, modules: Readonly<Record<string, object>>): RunExample {
  const markdown = readFileSync(readme, 'utf8');
  const printed: string[] = [];
  const console = { log: (...words: unknown[]) => printed.push(`${words.join(' ')}\n`) };
  const source = stripTypeScriptTypes(block(markdown, 'ts'));
  const body = source.replaceAll(IMPORT, (_, names: string, from: string) => `const ${names} = modules['${from}'];`);
  new Function('modules', 'console', body)(modules, console);
  return { printed: printed.join(''), promised: block(markdown, 'text') };
}

function block(markdown: string, language: string): string {
  const found = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(markdown);
  if (found === null) throw new Error(`the README has no ${language} block`);
  return found[1];
}
