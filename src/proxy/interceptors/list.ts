import type { AuditSink } from '../../audit/entry';
import type { Clock } from '../../shared/clock';
import type { NewTools } from '../../bindings/pinRules';
import type { Pins } from '../../bindings/pins';
import type { ServersSource } from '../../bindings/source';
import type { Logger } from '../../shared/logger';
import type { Interceptor } from '../call';
import type { GuardMode } from './guard';
import { guard } from './guard';
import { policy } from './policy';
import type { PolicyOptions } from './policy';
import type { KnownSecrets } from '../guard/knownSecrets';
import { audit } from './audit';
import { cacheScope } from './cacheScope';
import { flaggedTexts } from './flaggedTexts';
import { limits } from './limits';
import { pinnedCalls, pinnedLists } from './pinning';
import { redact } from './redact';
import type { Widen } from './redact';

/** What the steps need. */
export interface Steps {
  readonly audit: AuditSink;
  readonly servers: Pick<ServersSource, 'has'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pins: Pins;
  readonly known: KnownSecrets;
  readonly widen: Widen;
  readonly guardMode: () => GuardMode;
  readonly policy: PolicyOptions;
  /** Default: `ask`. */
  readonly newTools?: () => NewTools;
}

/** Every step that a call to an approved server passes, in order. */
export function interceptors({
  audit: sink,
  servers,
  clock,
  logger,
  pins,
  known,
  widen,
  guardMode,
  policy: rules,
  newTools = () => 'ask',
}: Steps): Interceptor[] {
  return [
    guard({ known, mode: guardMode, audit: sink, logger }),
    pinnedCalls(pins, newTools),
    policy(rules),
    limits(clock),
    redact(widen),
    cacheScope,
    pinnedLists(pins, newTools),
    flaggedTexts(sink, logger),
    audit(sink, clock, (name) => servers.has(name)),
  ];
}
