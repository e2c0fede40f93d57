import { packageTests } from '../../vitest.shared.ts';

export default packageTests('pci-p2p');
