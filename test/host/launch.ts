import { randomBytes } from 'node:crypto';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { eventually } from './eventually';
import { installExtension } from './extensions';
import type { LaunchFolders } from './folders';
import { makeFolders } from './folders';
import type { VsCodeInstall } from './install';
import { ensureVsCode } from './install';
import { endProcessesOf, extensionHostsOf, killProcessesOf, launchMarker } from './processes';
import { startServer } from './server';
import type { Theme } from './settings';
import { writeUserSettings } from './settings';

/** What to open in VS Code, and how. */
export interface LaunchOptions {
  /** Absolute path of the folder to open; empty: a window without one. */
  readonly workspace: string;
  /** Absolute paths of extension folders: the first is under development, the others are installed as copies. */
  readonly extensions: readonly string[];
  /** Absolute path (no extension) of a test index whose `run()` the extension host calls. */
  readonly testsPath?: string;
  /** False opens the folder in Restricted Mode. Default: true. */
  readonly trust?: boolean;
  /** User settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Additional environment variables of the extension host. */
  readonly env?: Readonly<Record<string, string>>;
  /** False: the secret storage forgets everything when the window is closed. Default: true. */
  readonly keepsSecrets?: boolean;
  /** Default: dark. */
  readonly theme?: Theme;
  /** Hears what the tests inside the extension host print. */
  readonly onLog?: (type: string, args: readonly unknown[]) => void;
  /** Hears the exit code of the tests inside the extension host. */
  readonly onExit?: (code: number) => void;
}

/** A running VS Code with one open window. */
export interface VsCodeWindow extends LaunchFolders {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Null when the browser's profile is its own process, as the browser driver says. */
  readonly browser: Browser | null;
  readonly url: string;
  /**
   * Opens one more window, with an extension host of its own. @param workspace absolute path; default: the same folder.
   * @param testsPath as in the options, which is the default. VS Code shows no modal dialogs in a window with tests.
   */
  openWindow(workspace?: string, testsPath?: string): Promise<Page>;
  /** Reloads the first window, which ends its extension host and starts another. */
  reload(): Promise<void>;
  /** Closes the only window, which ends its extension host, and opens it again when `act` is done. */
  whileClosed(act: () => Promise<void>): Promise<void>;
  /** Ends every process of this launch and keeps its folders. May be called twice. */
  stop(): Promise<void>;
  /** Like `stop`, and removes the folders. */
  dispose(): Promise<void>;
}

const readyLimitMs = 90_000;
const browserArgs = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

/**
 * Starts a real VS Code with fresh data, extensions, home, temp and browser-profile folders, and resolves when its
 * workbench is ready. Installs VS Code first where it is missing. Rejects, leaving no process behind, when it
 * does not get ready twice; the first failure is printed. With tests inside there is no second try, because those of
 * the first may have begun.
 */
export async function launchVsCode(options: LaunchOptions): Promise<VsCodeWindow> {
  const install = await ensureVsCode();
  const folders = await makeFolders();
  return launchIn(folders, install, options).catch(async (error: unknown) => {
    if (options.testsPath !== undefined) throw error;
    process.stderr.write(`VS Code did not start in ${folders.root}, trying once more: ${String(error)}\n`);
    return launchIn(await makeFolders(), install, options);
  });
}

async function launchIn(folders: LaunchFolders, install: VsCodeInstall, options: LaunchOptions): Promise<VsCodeWindow> {
  const end = (): void => {
    killProcessesOf(folders.root);
  };
  process.once('exit', end);
  try {
    const [first, ...others] = options.extensions;
    const development = first === undefined ? undefined : await linkExtension(first, folders.root);
    for (const extension of others) await installExtension(extension, folders.extensionsDir);
    await writeUserSettings(folders.dataDir, options.theme ?? 'dark', options.settings ?? {});
    const env = environment(folders, options.env ?? {});
    const server = await startServer({ install, folders, env, trust: options.trust ?? true });
    const context = await openBrowser(install.chromium, folders, env, options.keepsSecrets ?? true);
    const url = workbenchUrl(server.port, development, options);
    const stop = async (): Promise<void> => {
      await context.close().catch(() => undefined);
      await server.stop();
      await endProcessesOf(folders.root);
      process.off('exit', end);
    };
    const page = context.pages()[0] ?? (await context.newPage());
    await exposeAutomation(page, options);
    await page.goto(url);
    await workbenchReady(page);
    return {
      ...folders,
      page,
      context,
      browser: context.browser(),
      url,
      stop,
      openWindow: async (workspace = options.workspace, testsPath = options.testsPath) => {
        const another = await context.newPage();
        await exposeAutomation(another, options);
        await another.goto(
          workbenchUrl(server.port, development, { ...options, workspace, ...(testsPath === undefined ? {} : { testsPath }) }),
        );
        await workbenchReady(another);
        return another;
      },
      reload: async () => {
        await page.reload();
        await workbenchReady(page);
      },
      whileClosed: async (act) => {
        // A page of the same origin, so that what the browser keeps for VS Code can be reached.
        await page.goto(`http://127.0.0.1:${String(server.port)}/closed`);
        await eventually('the extension host ends', () => (extensionHostsOf(folders.root).length === 0 ? true : undefined), readyLimitMs);
        await act();
        await page.goto(url);
        await workbenchReady(page);
      },
      dispose: async () => {
        await stop();
        await rm(folders.root, { recursive: true, force: true, maxRetries: 5 });
      },
    };
  } catch (error) {
    await endProcessesOf(folders.root);
    process.off('exit', end);
    throw error;
  }
}

/** Only what a program needs to run: nothing of the test process leaks into the extension host unasked. */
function environment(folders: LaunchFolders, extra: Readonly<Record<string, string>>): Record<string, string> {
  const passed = ['PATH', 'LANG', 'LC_ALL', 'USER', 'SHELL', 'NODE_EXTRA_CA_CERTS'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(passed),
    HOME: folders.home,
    TMPDIR: folders.tmp,
    XDG_RUNTIME_DIR: folders.run,
    [launchMarker]: folders.root,
    ...extra,
  };
}

/**
 * VS Code forces the first theme that it finds below the folder of the extension under development. Our repository has
 * all of VS Code's own themes below it, in `.vscode-test`; a link has nothing below it.
 */
async function linkExtension(folder: string, root: string): Promise<string> {
  const link = join(root, 'ext');
  await symlink(folder, link);
  return link;
}

async function openBrowser(
  executablePath: string,
  folders: LaunchFolders,
  env: Record<string, string>,
  keepsSecrets: boolean,
): Promise<BrowserContext> {
  const context = await chromium.launchPersistentContext(folders.profileDir, {
    executablePath,
    args: browserArgs,
    env,
    viewport: { width: 1280, height: 800 },
    timeout: readyLimitMs,
  });
  context.setDefaultNavigationTimeout(readyLimitMs);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  // VS Code encrypts SecretStorage in the browser with a key part that its host hands out. Without one it keeps
  // secrets in memory, and a reload would lose them.
  if (!keepsSecrets) return context;
  const keyPart = randomBytes(32);
  await context.route('**/mint-key', (route) => route.fulfill({ body: keyPart, contentType: 'application/octet-stream' }));
  return context;
}

function workbenchUrl(port: number, development: string | undefined, { workspace, testsPath }: LaunchOptions): string {
  const authority = `127.0.0.1:${String(port)}`;
  const remote = (path: string): string => `vscode-remote://${authority}${path}`;
  const payload = [
    ...(development === undefined ? [] : [['extensionDevelopmentPath', remote(development)]]),
    ...(testsPath === undefined ? [] : [['extensionTestsPath', remote(testsPath)]]),
    ['skipWelcome', 'true'],
  ];
  const query = new URLSearchParams({ ...(workspace === '' ? { ew: 'true' } : { folder: workspace }), payload: JSON.stringify(payload) });
  return `http://${authority}/?${query.toString()}`;
}

/** VS Code looks for these two functions in the page when it runs tests. */
async function exposeAutomation(page: Page, { onLog, onExit }: LaunchOptions): Promise<void> {
  await page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => onLog?.(type, args));
  await page.exposeFunction('codeAutomationExit', (code: number) => onExit?.(code));
}

async function workbenchReady(page: Page): Promise<void> {
  await page.waitForFunction('window.driver !== undefined', undefined, { timeout: readyLimitMs });
  await page.evaluate('window.driver.whenWorkbenchRestored()');
  await page.locator('.monaco-workbench .statusbar').waitFor({ timeout: readyLimitMs });
  // Until the extensions are known, the window has a stand-in theme.
  await page.locator('.monaco-workbench[class*="-themes-"]').waitFor({ timeout: readyLimitMs });
}
