import type { Command } from 'commander';

/** What commander hands to the action. */
export interface StoryFlags {
  readonly json?: true;
  readonly report?: string;
}

const DETAILS = `
Each story runs a real defect on machines of the model, with the defect and without it, and shows where they part:
  stale-iova  Linux 7.3: a peer-to-peer write behind an IOMMU fails because of the read that its request object did before

Examples:
  dmalab story
  dmalab story stale-iova
  dmalab story stale-iova --report story.html`;

export function addStory(program: Command): void {
  program
    .command('story')
    .description('let a real defect happen before your eyes, with the figures that show it')
    .argument('[NAME]', 'which one; without it they are listed')
    .option('--report <FILE>', 'write it as a page, which opens and prints without a server')
    .option('--json', 'the same as data')
    .addHelpText('after', DETAILS)
    .action(async (name: string | undefined, flags: StoryFlags) => {
      const { runStory } = await import('./run-story.ts');
      runStory(name, flags);
    });
}
