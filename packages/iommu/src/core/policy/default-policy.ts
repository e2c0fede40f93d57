/** How the kernel was built (spec I112). */
export interface PolicyDefaults {
  /** x86 and s390 kernels are built lazy, others strict. */
  readonly lazy: boolean;
  readonly passthrough: boolean;
  /** `iommu=pt`, `intel_iommu=`, `amd_iommu=` are understood. */
  readonly x86: boolean;
  /** Memory encryption is on: it turns a built-in passthrough off, not one from the command line (spec I115). */
  readonly memoryEncryption: boolean;
}

/** What all devices without other needs get (spec I112 to I115). */
export interface DefaultPolicy {
  readonly passthrough: boolean;
  readonly passthroughFromCommandLine: boolean;
  readonly lazy: boolean;
  readonly strictnessFromCommandLine: boolean;
  /** PCI devices go straight to their own limit (spec I39). */
  readonly forceDac: boolean;
  readonly intel: IntelOptions;
  /** Lines that parsing printed, in order. */
  readonly lines: readonly string[];
}

/** What `intel_iommu=` asked for (spec I113). */
export interface IntelOptions {
  readonly enabled: boolean | null;
  readonly superpages: boolean;
  readonly scalableMode: boolean | null;
  readonly graphicsMapped: boolean;
}

const X86_DEFAULTS: PolicyDefaults = { lazy: true, passthrough: false, x86: true, memoryEncryption: false };

/** Reads a kernel command line (spec I113); options of other subsystems are passed over. */
export function defaultPolicy(commandLine: string, defaults: PolicyDefaults = X86_DEFAULTS): DefaultPolicy {
  const policy = {
    passthrough: defaults.passthrough,
    passthroughFromCommandLine: false,
    lazy: defaults.lazy,
    strictnessFromCommandLine: false,
    forceDac: false,
    intel: { enabled: null, superpages: true, scalableMode: null, graphicsMapped: true } as Mutable<IntelOptions>,
    lines: [] as string[],
  };
  for (const word of commandLine.split(/\s+/)) {
    const [name, value = ''] = splitOption(word);
    if (name === 'iommu.passthrough') setPassthrough(policy, isTrue(value));
    if (name === 'iommu.strict') setStrict(policy, isTrue(value));
    if (name === 'iommu.forcedac' && isTrue(value)) setForceDac(policy);
    if (!defaults.x86) continue;
    if (name === 'iommu' && value.split(',').includes('pt')) setPassthrough(policy, true);
    if (name === 'iommu' && value.split(',').includes('nopt')) setPassthrough(policy, false);
    if (name === 'intel_iommu') for (const option of value.split(',')) intelOption(policy, option);
    if (name === 'amd_iommu' && value.split(',').includes('fullflush')) setStrict(policy, true);
  }
  if (defaults.memoryEncryption && !policy.passthroughFromCommandLine) policy.passthrough = false;
  return policy;
}

/** The lines that the kernel prints once the policy is settled (spec I114). */
export function policyLines(policy: DefaultPolicy): string[] {
  const suffix = (chosen: boolean) => (chosen ? ' (set via kernel command line)' : '');
  const type = policy.passthrough ? 'Passthrough' : 'Translated';
  const lines = [`iommu: Default domain type: ${type}${suffix(policy.passthroughFromCommandLine)}`];
  if (!policy.passthrough) {
    const mode = policy.lazy ? 'lazy' : 'strict';
    lines.push(`iommu: DMA domain TLB invalidation policy: ${mode} mode${suffix(policy.strictnessFromCommandLine)}`);
  }
  return lines;
}

/** A driver's later change of mind, after the policy line was printed (spec I115). */
export function forceStrict(policy: DefaultPolicy, driver: 'intel' | 'amd'): DefaultPolicy {
  const line =
    driver === 'intel'
      ? 'DMAR: IOMMU batching disallowed due to virtualization'
      : 'AMD-Vi: Using strict mode due to virtualization';
  return { ...policy, lazy: false, lines: [...policy.lines, line] };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Draft = Omit<Mutable<DefaultPolicy>, 'intel' | 'lines'> & { intel: Mutable<IntelOptions>; lines: string[] };

function setPassthrough(policy: Draft, on: boolean): void {
  policy.passthrough = on;
  policy.passthroughFromCommandLine = true;
}

function setStrict(policy: Draft, strict: boolean): void {
  policy.lazy = !strict;
  policy.strictnessFromCommandLine = true;
}

function setForceDac(policy: Draft): void {
  policy.forceDac = true;
  policy.lines.push('Forcing DAC for PCI devices');
}

function intelOption(policy: Draft, option: string): void {
  const { intel } = policy;
  if (option === 'on' || option === 'off') {
    intel.enabled = option === 'on';
    policy.lines.push(`DMAR: IOMMU ${intel.enabled ? 'enabled' : 'disabled'}`);
  } else if (option === 'strict') setStrict(policy, true);
  else if (option === 'forcedac') setForceDac(policy);
  else if (option === 'igfx_off') intel.graphicsMapped = false;
  else if (option === 'sp_off') intel.superpages = false;
  else if (option === 'sm_on' || option === 'sm_off') intel.scalableMode = option === 'sm_on';
  else policy.lines.push(`DMAR: Unknown option - '${option}'`);
}

function splitOption(word: string): [string, string?] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
}

function isTrue(value: string): boolean {
  return value === '' || /^(1|y|Y|on|t|T)/.test(value);
}
