import type { Memento, SecretStorage } from 'vscode';

/** One window's workspace state: what another window writes is not seen. `failing` makes every write fail. */
export class MemoryMemento implements Memento {
  readonly values = new Map<string, unknown>();
  failing = false;
  writes = 0;

  keys(): readonly string[] {
    return [...this.values.keys()];
  }

  get<T>(key: string, fallback?: T): T | undefined {
    return (this.values.get(key) as T | undefined) ?? fallback;
  }

  update(key: string, value: unknown): Promise<void> {
    if (this.failing) return Promise.reject(new Error('no room'));
    this.writes += 1;
    // As VS Code does: what is kept is what JSON keeps.
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, JSON.parse(JSON.stringify(value)));
    return Promise.resolve();
  }
}

/** The secret storage that all windows share. `lose`: accepts and does not keep. */
export class MemorySecretStorage implements Pick<SecretStorage, 'get' | 'store' | 'delete'> {
  readonly values = new Map<string, string>();
  setting: 'keep' | 'fail' | 'lose' = 'keep';

  get(key: string): Promise<string | undefined> {
    return Promise.resolve(this.values.get(key));
  }

  store(key: string, value: string): Promise<void> {
    if (this.setting === 'fail') return Promise.reject(new Error('Cannot encrypt: no keyring. The value was hunter2.'));
    if (this.setting === 'keep') this.values.set(key, value);
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.values.delete(key);
    return Promise.resolve();
  }
}
