import type { RestError } from '@azure/storage-blob';
import { type ErrorCode, WorkerError } from '../errors.ts';

type Sentence = (blob: string, error: RestError) => string;

/** What the storage's error codes say of a blob, by the beginning of the code; what is not here is told by its code alone. */
const REFUSALS: readonly (readonly [code: string | RegExp, ErrorCode, Sentence])[] = [
  ['ContainerNotFound', 'blob_not_found', (blob) => `The container of the blob '${blob}' is not there.`],
  [
    'ConditionNotMet',
    'blob_changed',
    (blob) => `The blob '${blob}' was replaced or removed while it was being analysed.`,
  ],
  [
    /^(Lease|InfiniteLease)/,
    'blob_leased',
    (blob) =>
      `Somebody holds a lease on the blob '${blob}'. It can be written again when the lease is released or broken.`,
  ],
  [
    /^BlobImmutable/,
    'storage_unavailable',
    (blob) =>
      `The blob '${blob}' is protected by an immutability policy or a legal hold. Write results to a container without one.`,
  ],
  [
    'SnapshotsPresent',
    'storage_unavailable',
    (blob) => `The blob '${blob}' has snapshots and can't be removed. Remove them first.`,
  ],
  [
    /^(Container|Blob)BeingDeleted|^ContainerDisabled/,
    'storage_unavailable',
    (blob) => `The container of the blob '${blob}' is being deleted. Make it anew in a while.`,
  ],
  [
    /^BlobArchived|^BlobBeingRehydrated/,
    'storage_unavailable',
    (blob) =>
      `The blob '${blob}' lies in the archive tier and can't be read before it has been moved to another one.`,
  ],
  [
    /^InvalidBlobType|^InvalidPageBlob|^InvalidAppendBlob/,
    'storage_unavailable',
    (blob) => `The blob '${blob}' is a page or append blob and can't be written as a block blob. Remove it.`,
  ],
  [
    'PendingCopyOperation',
    'storage_unavailable',
    (blob) => `Somebody is copying onto the blob '${blob}'. It can be written when that has ended.`,
  ],
  ['BlobAlreadyExists', 'blob_changed', (blob) => `There is a blob '${blob}' already.`],
  [
    'AccountIsDisabled',
    'storage_unavailable',
    () => 'The storage account is disabled. Enable it, or name another one.',
  ],
  [
    /^(AuthenticationFailed|NoAuthenticationInformation|InvalidAuthenticationInfo|KeyBasedAuthentication)/,
    'storage_unavailable',
    (blob) =>
      `The storage did not take the worker's credential for the blob '${blob}'. Look at the account key, or at the times of the SAS token, and at this machine's clock.`,
  ],
  [
    /^(AuthorizationFailure|AuthorizationSourceIPMismatch|AuthorizationProtocolMismatch|PublicAccessNotPermitted)/,
    'storage_unavailable',
    (blob, error) =>
      `The storage lets nobody to the blob '${blob}' from here, by its network rules or the SAS token, or ${missingRight(error)}.`,
  ],
  [
    /^(Authorization|InsufficientAccountPermissions|UnauthorizedBlobOverwrite)/,
    'storage_unavailable',
    (blob, error) => `For the blob '${blob}' ${missingRight(error)}.`,
  ],
];

/** The storage's answer that it will not do what it was asked, as a failure for people. */
export function refusalOf(error: RestError, blobName: string): WorkerError {
  const code = codeOf(error);
  const cause = { cause: error };
  const known = REFUSALS.find(([name]) => (typeof name === 'string' ? name === code : name.test(code)));
  const answer = `status ${error.statusCode} (${code || 'no code'})`;
  if (known) {
    const [, errorCode, sentence] = known;
    const isOurs = errorCode === 'storage_unavailable' || errorCode === 'blob_leased';
    const text = sentence(blobName, error);
    return new WorkerError(errorCode, isOurs ? `${text} The storage answered ${answer}.` : text, cause);
  }
  if (error.statusCode === 404)
    return new WorkerError('blob_not_found', `There is no blob '${blobName}' in the container.`, cause);
  return new WorkerError(
    'storage_unavailable',
    `The storage answered ${answer} for the blob '${blobName}'.`,
    cause,
  );
}

/** The storage's own code. An answer without a body (to `HEAD`) has it in a header alone. */
function codeOf({ code, statusCode, response }: RestError): string {
  const told = response?.headers.get('x-ms-error-code') ?? code ?? '';
  if (told || (statusCode !== 412 && statusCode !== 403)) return told;
  // Nothing else than its conditions can fail in a request that has some, and nothing else than a right is refused.
  return statusCode === 412 ? 'ConditionNotMet' : 'Authorization';
}

const RIGHTS = {
  read: "the right to read is missing: 'r' in a SAS token, or the role Storage Blob Data Reader",
  list: "the right to list is missing: 'l' in a SAS token, or the role Storage Blob Data Reader",
  write:
    "the right to write is missing: 'c' and 'w' in a SAS token, or the role Storage Blob Data Contributor",
  delete: "the right to delete is missing: 'd' in a SAS token, or the role Storage Blob Data Contributor",
} as const;

/** Which right a refused request was in want of, by what it asked. */
function missingRight({ request }: RestError): string {
  const { method = 'GET', url = '' } = request ?? {};
  if (method === 'DELETE') return RIGHTS.delete;
  if (method === 'PUT' || method === 'POST') return RIGHTS.write;
  return /[?&]comp=list(&|$)/.test(url) ? RIGHTS.list : RIGHTS.read;
}
