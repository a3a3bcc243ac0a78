import type { BindingSpec } from '../../bindings/binding';
import type { Mode } from '../../bindings/server';

/** How a secret is sent that is sent in this mode from now on: which tools get it stays, where the mode can have that. */
export function sentAs(mode: Mode, { tools }: BindingSpec): BindingSpec {
  return { as: mode, ...(tools === undefined || mode === 'env' ? {} : { tools }) };
}

/** What a mode takes away of how the secret was sent, in words; `undefined`: nothing. */
export function lostAs(mode: Mode, { tools }: BindingSpec): string | undefined {
  return tools === undefined || mode !== 'env' ? undefined : 'for every tool: a variable cannot be for certain tools only';
}
