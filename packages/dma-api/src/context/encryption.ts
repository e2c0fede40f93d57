/**
 * Private and shared forms of an address on a machine with memory encryption (spec P60). The bit is added by arithmetic
 * because it lies above 32 bits; the forms are the same number where there is no encryption.
 */
export interface EncryptionForms {
  /** Value of the address bit, 0 where the attribute lives only in page tables. */
  readonly bit: number;
  /** Which form carries the bit: SME and SEV mark private memory, Arm CCA shared memory. */
  readonly bitMarks: 'private' | 'shared';
}

export const NO_ENCRYPTION: EncryptionForms = { bit: 0, bitMarks: 'private' };

export function privateForm(forms: EncryptionForms, address: number): number {
  return forms.bitMarks === 'private' ? address + forms.bit : address;
}

export function sharedForm(forms: EncryptionForms, address: number): number {
  return forms.bitMarks === 'shared' ? address + forms.bit : address;
}

/** Takes the bit off again, whichever form it was (spec D33). */
export function plainForm(forms: EncryptionForms, address: number): number {
  return forms.bit !== 0 && Math.floor(address / forms.bit) % 2 === 1 ? address - forms.bit : address;
}
