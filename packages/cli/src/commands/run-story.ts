import { STORIES, type Story, type StoryRequest, storyPage } from '@dmalab/integration';
import { figure, printJson, printWrapped, table } from '../output.ts';
import { writeText } from '../output-file.ts';
import { UserError } from '../user-error.ts';
import type { StoryFlags } from './story.ts';

const NAMES = Object.keys(STORIES);

/** Runs `dmalab story`. */
export function runStory(name: string | undefined, { json, report }: StoryFlags): void {
  if (name === undefined) {
    console.log(
      table(
        ['story', 'tells of'],
        Object.entries(STORIES).map(([each, { title }]) => [each, title]),
      ),
    );
    return;
  }
  if (!Object.hasOwn(STORIES, name)) throw new UserError(name, 'no such story', `name one of ${NAMES.join(', ')}`);
  const story = STORIES[name].tell();
  if (report !== undefined) writeText(report, storyPage(story));
  if (json) printJson(story);
  else printStory(story);
}

function printStory({ title, plot, runs, findings }: Story): void {
  console.log(title);
  for (const paragraph of plot) {
    console.log('');
    printWrapped('  ', paragraph, '  ');
  }
  for (const { setting, requests } of runs) {
    console.log(`\n${table([setting, ...HEAD], requests.map(cells))}`);
    for (const line of requests.flatMap(({ log }) => log)) console.log(`  kernel: ${line.trimEnd()}`);
  }
  console.log('\nWhat the figures show');
  for (const finding of findings) printWrapped('  - ', finding, '    ');
}

const HEAD = [
  'range held',
  'described by',
  'described',
  'IOMMU maps',
  'unmaps',
  'faults',
  'status',
  'errno',
  'arrived',
];

function cells(request: StoryRequest): (string | number)[] {
  const { what, bytes, heldRange, descriptor, describedBytes, arrivedBytes } = request;
  return [
    what,
    heldRange === null ? 'none' : heldRange.iova,
    descriptor,
    `${figure(describedBytes)} of ${figure(bytes)}`,
    request.iommuMaps,
    request.iommuUnmaps,
    request.iommuFaults,
    request.nvmeStatus,
    request.errno,
    arrivedBytes,
  ];
}
