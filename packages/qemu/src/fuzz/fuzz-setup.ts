import type { ModelSide, QemuSide } from './differential.ts';
import type { FuzzCase } from './fuzz-case.ts';
import type { FuzzLayout } from './fuzz-layout.ts';

/** Two units beside each other, and cases for them. */
export interface FuzzSetup {
  readonly cases: { make(seed: number): FuzzCase };
  readonly layout: FuzzLayout;
  readonly model: ModelSide;
  readonly qemu: QemuSide;
}
