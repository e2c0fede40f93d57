import { readFileSync } from 'node:fs';
import { type LoadHookSync, type ResolveHookSync, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { stripGuards } from './strip-guards.ts';

const MARK = '?unobserved';
const guardsByFile = new Map<string, number>();

/**
 * Imports a second copy of a module and of all that it imports, from sources without a single look at who observes: what
 * the same calls would cost had nobody ever written a trace point or a checker. Both copies live in one process, so that
 * they can be measured in turn.
 *
 * @throws {Error} when none of the guards that the caller names, by a part of their file's path, was there to take out
 */
export async function withoutObservation<Module>(module: URL, guarded: readonly string[]): Promise<Module> {
  const hooks = registerHooks({ resolve, load });
  try {
    const copy: Module = await import(`${module.href}${MARK}`);
    for (const part of guarded) expectGuards(part);
    return copy;
  } finally {
    hooks.deregister();
  }
}

const resolve: ResolveHookSync = (specifier, context, nextResolve) => {
  const resolved = nextResolve(specifier, context);
  const marked = specifier.endsWith(MARK) || context.parentURL?.endsWith(MARK) === true;
  if (!marked || !resolved.url.endsWith('.ts')) return resolved;
  return { ...resolved, url: resolved.url + MARK };
};

const load: LoadHookSync = (url, context, nextLoad) => {
  if (!url.endsWith(MARK)) return nextLoad(url, context);
  const file = url.slice(0, -MARK.length);
  const { source, guards } = stripGuards(readFileSync(fileURLToPath(file), 'utf8'));
  guardsByFile.set(file, guards);
  return { format: 'module-typescript', source, shortCircuit: true };
};

function expectGuards(part: string): void {
  for (const [file, guards] of guardsByFile) if (guards > 0 && file.includes(part)) return;
  throw new Error(`no trace point or checker was found in ${part}: the comparison would be of two equal copies`);
}
