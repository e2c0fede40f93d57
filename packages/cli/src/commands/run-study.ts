import type { StudyFlags } from './study.ts';

export async function runStudy(_file: string | undefined, _flags: StudyFlags): Promise<void> {}
