import type { Azurite } from './azurite/azurite.ts';
import { DEVELOPMENT_STORAGE, meansDevelopmentStorage, readAppSettings } from './settings.ts';

/** Where neither the environment nor the app settings say otherwise, storage is the local emulator. */
const STORAGE_DEFAULTS = {
  AzureWebJobsStorage: DEVELOPMENT_STORAGE,
  AZURE_STORAGE_CONNECTION_STRING: DEVELOPMENT_STORAGE,
};

/**
 * The settings that the environment lacks: those of the app first, then `defaults`, then local storage. An account
 * that is named by its URL alone is not given a connection string beside it.
 */
export function missingSettings(
  env: NodeJS.ProcessEnv,
  appSettings: Record<string, string>,
  defaults: Record<string, string>,
): Record<string, string> {
  const all: Record<string, string> = { ...STORAGE_DEFAULTS, ...defaults, ...appSettings };
  const named = env.AZURE_STORAGE_ACCOUNT_URL ?? all.AZURE_STORAGE_ACCOUNT_URL;
  if (named && !appSettings.AZURE_STORAGE_CONNECTION_STRING) delete all.AZURE_STORAGE_CONNECTION_STRING;
  return Object.fromEntries(Object.entries(all).filter(([name]) => !env[name]));
}

/** Gives this process the app's settings, and `defaults` where those and the environment have none. */
export function applySettings({
  root,
  defaults = {},
}: {
  root: string;
  defaults?: Record<string, string>;
}): void {
  Object.assign(process.env, missingSettings(process.env, readAppSettings(root), defaults));
}

/** Whether any setting stands for the emulator. */
export function needsAzurite(env: NodeJS.ProcessEnv): boolean {
  return Object.values(env).some(meansDevelopmentStorage);
}

/** Gives every setting that stands for the emulator the connection string of the one that runs. */
export function pointAt(azurite: Pick<Azurite, 'connectionString'>, env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env)) {
    if (meansDevelopmentStorage(value)) env[name] = azurite.connectionString;
  }
}
