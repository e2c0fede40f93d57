import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** The one test configuration: every package runs the same way, alone or from the root. */
export function packageTests(name: string): ViteUserConfig {
  return defineConfig({
    test: {
      name,
      include: ['src/**/*.test.ts'],
      environment: 'node',
      pool: 'threads',
      setupFiles: [fileURLToPath(new URL('./tools/property-seed.ts', import.meta.url))],
      testTimeout: 60_000,
    },
  });
}
