import { STALE_IOVA_TITLE, staleIovaStory } from './stale-iova.ts';
import type { Story } from './story.ts';

interface NamedStory {
  readonly title: string;
  /** Builds the machines and lets it happen. */
  readonly tell: () => Story;
}

export const STORIES: Readonly<Record<string, NamedStory>> = {
  'stale-iova': { title: STALE_IOVA_TITLE, tell: staleIovaStory },
};
