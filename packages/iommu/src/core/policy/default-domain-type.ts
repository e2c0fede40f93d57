import { DomainType, type GroupDevice, type IommuDriver } from '../groups/iommu-domain.ts';
import type { DefaultPolicy } from './default-policy.ts';

/** What a group's default domain shall be; `refused` names the member whose probe fails (spec I126). */
export interface DefaultDomainChoice {
  readonly type: DomainType;
  readonly refused: GroupDevice | null;
  /** Log lines about wishes that do not fit together (spec I125). */
  readonly lines: readonly string[];
}

/**
 * Decides between members' needs, drivers' wishes and the global policy (spec I124 to I126). A wish for DMA means strict DMA,
 * even where the policy is lazy.
 */
export function defaultDomainType(
  members: readonly GroupDevice[],
  driver: IommuDriver,
  policy: DefaultPolicy,
): DefaultDomainChoice {
  const wishes = members.map((member) => driver.defaultDomainWish(member));
  const untrusted = members.some((member) => member.untrusted);
  if (untrusted) {
    const other = wishes.findIndex((wish) => wish !== null && wish !== DomainType.DMA);
    const refused = members[other] ?? null;
    const lines =
      refused === null ? [] : [`${refused.name}: the driver asks for another domain than an untrusted device gets`];
    return { type: DomainType.DMA, refused, lines };
  }
  const distinct = new Set(wishes.filter((wish) => wish !== null));
  if (distinct.size > 1) {
    const lines = [`${members[0].name}: members of the group ask for different default domains`];
    return { type: DomainType.IDENTITY, refused: null, lines };
  }
  const [wish] = distinct;
  return { type: wish ?? globalType(policy), refused: null, lines: [] };
}

function globalType(policy: DefaultPolicy): DomainType {
  if (policy.passthrough) return DomainType.IDENTITY;
  return policy.lazy ? DomainType.DMA_FQ : DomainType.DMA;
}
