import * as vscode from 'vscode';
import { DEFAULT_SCOPE } from '../../vault/secret';
import type { SecretInfo } from '../../vault/secret';
import { secretUri } from '../decorations';
import { labelOf, scopeLabel } from '../secretRef';
import { expiryWords, LOOKS, rotationWords, stateWords } from '../secretState';
import type { SecretState } from '../secretState';
import { ago, count, dotted } from './format';
import type { ScopeNode, SecretNode, VersionNode } from './secretNodes';

const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;

/** A scope with how many secrets it has, and who uses them. */
export function scopeItem({ scope, secrets, servers }: ScopeNode): vscode.TreeItem {
  const item = new vscode.TreeItem(scopeLabel(scope), Expanded);
  const existing = secrets.filter(({ info }) => info !== undefined).length;
  item.id = `scope/${scope}`;
  item.contextValue = existing > 0 ? 'scope.stored' : 'scope.empty';
  item.iconPath = new vscode.ThemeIcon('symbol-namespace');
  item.description = dotted(count(existing, 'secret'), servers.length > 0 ? `used by ${servers.join(', ')}` : 'not used by a server');
  item.accessibilityInformation = { label: `Scope ${item.label as string}, ${spoken(item.description)}` };
  return item;
}

/** A secret with its state in icon, colour and words. @param now ms since the epoch. */
export function secretItem(node: SecretNode, state: SecretState, now: number): vscode.TreeItem {
  const { scope, name, info } = node;
  const { icon, color } = LOOKS[state];
  const item = new vscode.TreeItem(name, info === undefined || info.version === 0 ? None : Collapsed);
  item.id = `secret/${scope}/${name}`;
  item.contextValue = `secret.${state === 'missing' || state === 'unreadable' ? state : 'stored'}`;
  item.resourceUri = secretUri(node);
  item.iconPath = new vscode.ThemeIcon(icon, color === undefined ? undefined : new vscode.ThemeColor(color));
  item.description = describeSecret(node, state, now);
  item.accessibilityInformation = { label: `Secret ${labelOf(node)}, ${spoken(item.description)}` };
  return item;
}

/** A version with its dates. @param now ms since the epoch. */
export function versionItem({ scope, name, version: info }: VersionNode, now: number): vscode.TreeItem {
  const label = `v${String(info.version)}`;
  const item = new vscode.TreeItem(label);
  item.id = `secret/${scope}/${name}/${label}`;
  item.contextValue = info.current ? 'version.current' : 'version.old';
  item.iconPath = new vscode.ThemeIcon(info.current ? 'circle-filled' : 'circle-outline');
  item.description = dotted(info.current ? 'current' : undefined, `set ${ago(info.createdAt, now)}`, expiryWords(info, now));
  item.accessibilityInformation = { label: `Version ${String(info.version)} of ${labelOf({ scope, name })}, ${spoken(item.description)}` };
  return item;
}

/** All that is known of a secret. With many secrets it is made only for the one that is asked about. */
export function secretTooltip(node: SecretNode, state: SecretState, now: number): string {
  const { name, scope, info, servers } = node;
  if (info === undefined)
    return [`${labelOf(node)} does not exist yet.`, `Calls of ${servers.join(', ')} fail until it is added.`].join('\n');
  return [
    name,
    ...(scope === DEFAULT_SCOPE ? [] : [`Scope: ${scopeLabel(scope)}`]),
    ...(state === 'unreadable' ? ['It cannot be opened: its ciphertext was changed. Replace it to use it again.'] : []),
    `Version ${String(info.version)}, set ${time(info.updatedAt)}`,
    ...(info.version > 1 ? [`First set ${time(info.createdAt)}, replaced ${count(info.version - 1, 'time')}`] : []),
    ...scheduleLines(info, state, now),
    servers.length === 0 ? 'No server receives it.' : `Received by: ${servers.join(', ')}`,
  ].join('\n');
}

/** The dates of a version, in full. */
export function versionTooltip({ version }: VersionNode): string {
  const expiry = version.expiresAt === undefined ? [] : [`Expires ${time(version.expiresAt)}`];
  return [`Version ${String(version.version)}, set ${time(version.createdAt)}`, ...expiry].join('\n');
}

/** What stands behind the name of a secret. @param now ms since the epoch. */
export function describeSecret({ info, servers }: SecretNode, state: SecretState, now: number): string {
  if (info === undefined) return dotted('missing', `bound to ${servers.join(', ')}`);
  const bound = servers.length > 0 ? servers.join(', ') : 'not bound to a server';
  return dotted(stateWords(state, info, now), `v${String(info.version)}`, ago(info.updatedAt, now), bound);
}

function scheduleLines(info: SecretInfo, state: SecretState, now: number): string[] {
  const expiry = info.expiresAt === undefined ? [] : [`${sentence(expiryWords(info, now))} (${time(info.expiresAt)})`];
  const rotation = rotationWords(info);
  return [...expiry, ...(rotation === undefined ? [] : [sentence(rotation) + (state === 'due' ? ', and is due now' : '')])];
}

function sentence(words = ''): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function spoken(description: string): string {
  return description.replaceAll(' · ', ', ');
}

function time(ms: number): string {
  return new Date(ms).toLocaleString();
}
