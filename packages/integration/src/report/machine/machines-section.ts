import type { MachineDescription } from '../../machine/machine-description.ts';
import { plots, type Section } from '../page.ts';
import { drawnDescription } from './from-description.ts';
import { machinePicture } from './machine-picture.ts';

/** The machines that a page is about, drawn side by side. */
export function machinesSection(machines: readonly MachineDescription[]): Section {
  const title = machines.length === 1 ? 'The machine' : 'The machines';
  return { title, body: plots(machines.map((machine) => machinePicture(drawnDescription(machine)))) };
}
