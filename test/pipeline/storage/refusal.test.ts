import { BlobServiceClient, ContainerClient, ContainerSASPermissions, RestError } from '@azure/storage-blob';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  blobNames,
  propertiesOf,
  readJson,
  removeBlob,
  writeJson,
} from '../../../src/pipeline/storage/container.ts';
import { refusalOf } from '../../../src/pipeline/storage/refusal.ts';
import { storageCall } from '../../../src/pipeline/storage/requests.ts';
import { StagedStem } from '../../../src/pipeline/storage/staged-stem.ts';
import { newStorage, type TestStorage } from '../../support/storage.ts';

/** An answer as the SDK throws it. */
function answer(status: number, code: string, method = 'PUT', query = ''): RestError {
  const headers = { get: (name: string) => (name === 'x-ms-error-code' && code ? code : undefined) };
  return Object.assign(new RestError('refused', { statusCode: status }), {
    request: { url: `https://songs.blob.core.windows.net/a/b${query}`, method },
    response: { headers },
  }) as RestError;
}

describe('an answer that refuses is told as what it is:', () => {
  it.each<[number, string, string, RegExp]>([
    [412, 'ConditionNotMet', 'blob_changed', /was replaced or removed/],
    [412, '', 'blob_changed', /was replaced or removed/],
    [412, 'LeaseIdMissing', 'blob_leased', /holds a lease/],
    [412, 'LeaseLost', 'blob_leased', /holds a lease/],
    [409, 'LeaseIdMismatchWithBlobOperation', 'blob_leased', /holds a lease/],
    [409, 'LeaseAlreadyPresent', 'blob_leased', /holds a lease/],
    [412, 'SourceConditionNotMet', 'storage_unavailable', /status 412 \(SourceConditionNotMet\)/],
    [409, 'BlobImmutableDueToPolicy', 'storage_unavailable', /immutability policy/],
    [409, 'SnapshotsPresent', 'storage_unavailable', /has snapshots/],
    [409, 'ContainerBeingDeleted', 'storage_unavailable', /is being deleted/],
    [409, 'BlobArchived', 'storage_unavailable', /archive tier/],
    [409, 'InvalidBlobType', 'storage_unavailable', /page or append blob/],
    [409, 'PendingCopyOperation', 'storage_unavailable', /is copying/],
    [409, 'SomethingNew', 'storage_unavailable', /status 409 \(SomethingNew\)/],
    [403, 'AccountIsDisabled', 'storage_unavailable', /account is disabled/],
    [403, 'AuthenticationFailed', 'storage_unavailable', /did not take the worker's credential/],
    [401, 'InvalidAuthenticationInfo', 'storage_unavailable', /did not take the worker's credential/],
    [403, 'AuthorizationFailure', 'storage_unavailable', /network rules .* the right to write is missing/],
    [
      403,
      'AuthorizationPermissionMismatch',
      'storage_unavailable',
      /the right to write is missing: 'c' and 'w'/,
    ],
    [404, 'BlobNotFound', 'blob_not_found', /There is no blob 'a\/b'/],
    [404, 'ContainerNotFound', 'blob_not_found', /container .* is not there/],
  ])('%i %s', (status, code, ours, message) => {
    const refusal = refusalOf(answer(status, code), 'a/b');
    expect(refusal).toMatchObject({ code: ours, message: expect.stringMatching(message) });
    expect(refusal.retryable).toBe(ours === 'blob_leased' || ours === 'storage_unavailable');
  });

  it.each<[string, string, RegExp]>([
    ['GET', '', /right to read is missing: 'r'/],
    ['HEAD', '', /right to read is missing/],
    ['GET', '?restype=container&comp=list', /right to list is missing: 'l'/],
    ['PUT', '?comp=blocklist', /right to write is missing/],
    ['DELETE', '', /right to delete is missing: 'd'/],
  ])('the right that %s %s wants', (method, query, message) => {
    expect(refusalOf(answer(403, 'AuthorizationPermissionMismatch', method, query), 'a/b').message).toMatch(
      message,
    );
  });
});

describe('the storage itself', () => {
  let storage: TestStorage;
  beforeAll(async () => {
    storage = await newStorage();
  });

  it('has a lease told as that, by a published stem too, and goes on when it is gone', async () => {
    const { container } = storage;
    await writeJson(container, 'leased.json', {});
    const lease = container.getBlobClient('leased.json').getBlobLeaseClient();
    await lease.acquireLease(-1);
    const leased = { code: 'blob_leased', retryable: true, message: expect.stringContaining('leased.json') };
    await expect(writeJson(container, 'leased.json', {})).rejects.toMatchObject(leased);
    await expect(removeBlob(container, 'leased.json')).rejects.toMatchObject(leased);
    expect(await readJson(container, 'leased.json')).toEqual({});

    const plan = { segments: 1, model: 'm' } as Parameters<StagedStem['commit']>[0];
    const stem = (run: string) => new StagedStem(container, 'a', 'vocals', run);
    await stem('1111').stage(0, new Int16Array(8));
    await stem('1111').commit(plan, 4);
    const held = container.getBlobClient('a/stems/vocals.wav').getBlobLeaseClient();
    await held.acquireLease(-1);
    await expect(stem('2222').stage(0, new Int16Array(8))).rejects.toMatchObject({ code: 'blob_leased' });
    await held.releaseLease();
    await stem('2222').stage(0, new Int16Array(8));
    await stem('2222').commit(plan, 4);
  });

  it('has snapshots and a container that is not there told as such', async () => {
    const { container } = storage;
    await writeJson(container, 'kept.json', {});
    await container.getBlobClient('kept.json').createSnapshot();
    const removal = storageCall('kept.json', (options) =>
      container.getBlobClient('kept.json').delete(options),
    );
    await expect(removal).rejects.toThrowError(/has snapshots/);
    const none = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('none');
    await expect(propertiesOf(none, 'a.mp3')).rejects.toMatchObject({ code: 'blob_not_found' });
  });

  it('has the missing right told', async () => {
    const withRights = async (permissions: string) =>
      new ContainerClient(
        await storage.container.generateSasUrl({
          permissions: ContainerSASPermissions.parse(permissions),
          expiresOn: new Date(Date.now() + 3_600_000),
        }),
      );
    await writeJson(storage.container, 'a.json', {});
    await expect(propertiesOf(await withRights('l'), 'a.json')).rejects.toThrowError(
      /right to read .*status 403/,
    );
    await expect(blobNames(await withRights('r'), 'a')).rejects.toThrowError(/right to list/);
    await expect(writeJson(await withRights('r'), 'a.json', {})).rejects.toThrowError(/right to write/);
    await expect(removeBlob(await withRights('r'), 'a.json')).rejects.toThrowError(/right to delete/);
  });
});
