import type { AuditEntry } from '../entry';

/** What is watched for. Each rule can be switched off by its name. */
export const RULES = ['tokensRefused', 'newAgent', 'secretExpired', 'callDenied', 'secretUnused', 'toolsChanged'] as const;

/** The name of a rule. */
export type RuleName = (typeof RULES)[number];

/** Something that a person should hear of. Names only, no values. */
export interface Alert {
  readonly rule: RuleName;
  /** For people: what happened, then what to do. */
  readonly message: string;
  readonly severity: 'info' | 'warning';
  readonly agent?: string;
  readonly server?: string;
  readonly secrets?: readonly string[];
  /** The scope of the secrets, where it is not the default one. */
  readonly scope?: string;
}

/** An alert as an entry of the trail. */
export function entryOf({ rule, agent, server, secrets, scope }: Alert): Omit<AuditEntry, 'time'> {
  return {
    actor: 'product',
    action: 'alert',
    rule,
    ...(agent === undefined ? {} : { agent }),
    ...(server === undefined ? {} : { server }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(scope === undefined ? {} : { scope }),
    outcome: 'ok',
  };
}
