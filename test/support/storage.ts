import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { inject } from 'vitest';
import { emulatorAt } from '../../src/local/azurite/azurite.ts';
import { accountOf } from '../azurite.ts';
import { aPlace, type Place } from './commands.ts';

/** A storage account of the test's own, at a real Azurite. */
export interface TestStorage {
  readonly container: ContainerClient;
  readonly connectionString: string;
}

let storages = 0;

/** An account that holds an empty container. */
export async function newStorage(): Promise<TestStorage> {
  const storage = newAccount();
  await storage.container.create();
  return storage;
}

/** An account that holds nothing. */
export function newAccount(): TestStorage {
  const { blobPort, queuePort } = inject('azurite');
  const account = accountOf(Number(process.env.VITEST_WORKER_ID), ++storages);
  const { connectionString } = emulatorAt(blobPort, queuePort, account);
  const service = BlobServiceClient.fromConnectionString(connectionString);
  return { container: service.getContainerClient('audio-files'), connectionString };
}

/** A place whose workers use an account of the Azurite that is there already, which outlives them: they start sooner. */
export async function aPlaceWithStorage(settings: Record<string, string> = {}): Promise<Place> {
  const account = newAccount();
  const connections = {
    AzureWebJobsStorage: account.connectionString,
    AZURE_STORAGE_CONNECTION_STRING: account.connectionString,
  };
  return { ...(await aPlace({ ...connections, ...settings })), ...account };
}
