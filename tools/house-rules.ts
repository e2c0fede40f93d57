import { globSync, readFileSync } from 'node:fs';
import { LAYERS, ROOT } from './workspace.ts';

/** Checks that need no parser: what a package must hold, and what a source file must not. */
const MAX_LINES = 500;
const findings: string[] = [];

for (const folder of LAYERS) {
  const at = `packages/${folder}`;
  const has = (pattern: string): boolean => globSync(`${ROOT}/${at}/${pattern}`).length > 0;
  if (!has('README.md')) findings.push(`${at}: no README.md`);
  if (!has('src/index.ts')) findings.push(`${at}: no src/index.ts`);
  if (!has('src/**/*.test.ts')) findings.push(`${at}: no test`);
  if (!has('src/**/*.bench.ts')) findings.push(`${at}: no benchmark`);
}

for (const file of globSync(`${ROOT}/{packages/*/src,tools}/**/*.ts`)) {
  if (file.includes('node_modules')) continue;
  const text = readFileSync(file, 'utf8');
  const name = file.slice(ROOT.length);
  const lines = text.split('\n').length - 1;
  if (lines > MAX_LINES) findings.push(`${name}: ${lines} lines; over ${MAX_LINES} it holds two concepts`);
  if (/\b(describe|it|test)\.(only|skip|todo)\(/.test(text)) findings.push(`${name}: a test that does not run`);
  if (name.endsWith('/src/index.ts') && !isTableOfContents(text)) findings.push(`${name}: more than named exports`);
}

for (const finding of findings) console.log(finding);
process.exitCode = findings.length === 0 ? 0 : 1;

/** An index re-exports by name and does nothing else: no star, no logic. */
function isTableOfContents(text: string): boolean {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const statements = code.split(';').map((statement) => statement.trim());
  return statements.every((statement) => statement === '' || /^export (type )?\{[^}]*\} from '[^']+'$/.test(statement));
}
