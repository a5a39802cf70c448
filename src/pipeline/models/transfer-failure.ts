import { WorkerError } from '../errors.ts';

/** A transfer that failed: what was asked for and what came. A query, where a SAS token may stand, is left out. */
export function transferFailure(url: URL, what: string, cause?: unknown): WorkerError {
  const address = `${url.origin}${url.pathname}`;
  return new WorkerError('model_unavailable', `${address} could not be fetched: ${what}.`, { cause });
}

/** Why `fetch` failed, in plain words: it tells no more than 'fetch failed' itself, its causes know. */
export function inPlainWords(error: unknown, url: URL): string {
  const chain = [...causes(error)];
  const { hostname: host } = url;
  for (const { code = '' } of chain) {
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the name ${host} could not be resolved`;
    if (code === 'ECONNREFUSED') return 'connection refused';
    if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET')
      return 'the connection was cut off';
    if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT') return 'no connection came about in time';
    if (code === 'ENETUNREACH' || code === 'EHOSTUNREACH') return `there is no way to ${host}`;
    if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) return `${host} has no valid certificate (${code})`;
  }
  return chain.at(-1)?.message ?? String(error);
}

function* causes(error: unknown): Generator<NodeJS.ErrnoException> {
  for (let each = error; each instanceof Error; each = each.cause) yield each;
}
