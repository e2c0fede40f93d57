import fc from 'fast-check';

/**
 * Property tests draw the same cases on every run, so that a run says something about the change and not about luck.
 * `PROPERTY_SEED=random pnpm test` looks for new counterexamples; one that is found becomes an ordinary test.
 */
const wanted = process.env['PROPERTY_SEED'];
if (wanted !== 'random') fc.configureGlobal({ seed: wanted === undefined ? 20250625 : Number(wanted) });
