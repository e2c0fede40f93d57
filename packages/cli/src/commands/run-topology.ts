import { basename } from 'node:path';
import { topologyPage } from '@dmalab/integration';
import { readTopology, renderTopology, studyTopology, type TopologyOptions } from '@dmalab/pci-p2p';
import { readText } from '../input-file.ts';
import { printJson } from '../output.ts';
import { writeText } from '../output-file.ts';
import { UserError } from '../user-error.ts';
import type { TopologyFlags } from './topology.ts';

/** Runs `dmalab topology`. */
export async function runTopology(file: string, flags: TopologyFlags): Promise<void> {
  const options = optionsOf(flags);
  const { topology, report } = studyTopology(readTopology(await readText(file)), options);
  if (flags.report !== undefined) writeText(flags.report, topologyPage(basename(file), report));
  if (flags.json) printJson(report);
  else console.log(renderTopology(topology, report));
}

function optionsOf({ iommu, acsRedirOff }: TopologyFlags): TopologyOptions {
  if (iommu !== undefined && iommu !== 'on' && iommu !== 'off')
    throw new UserError('--iommu', `"${iommu}" is neither`, 'write on or off');
  return { ...(iommu === undefined ? {} : { iommu }), ...(acsRedirOff === undefined ? {} : { acsRedirOff }) };
}
