import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

/** A value that the worker protocol marks as possibly absent. */
type Nullable<T> = { value?: T } | null | undefined;

interface RpcCookie {
  name: string;
  value: string;
  domain?: Nullable<string>;
  path?: Nullable<string>;
  expires?: Nullable<{ seconds: number } | string | Date>;
  secure?: Nullable<boolean>;
  httpOnly?: Nullable<boolean>;
  sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone' | string;
  maxAge?: Nullable<number>;
}

/** An HTTP request or response as the worker protocol carries it. */
export interface RpcHttp {
  method?: string;
  url?: string;
  headers?: Record<string, string>;
  params?: Record<string, string>;
  statusCode?: string;
  cookies?: RpcCookie[];
  body?: RpcData;
}

/** The kinds of data that HTTP and blob triggers exchange with a function. */
export interface RpcData {
  string?: string | null;
  json?: string | null;
  bytes?: Uint8Array | null;
  http?: RpcHttp | null;
  /** A reference to something that is not sent along, as the binding's extension writes it. */
  modelBindingData?: { version: string; source: string; contentType: string; content: Buffer } | null;
}

/** What is to be sent for an invocation. */
export interface HttpAnswer {
  status: number;
  headers: [name: string, value: string][];
  /** As a stream, it is passed on as it comes. */
  body: Uint8Array | Readable;
}

/** These are the server's to set: they describe the transfer, not the content. */
const TRANSFER_HEADERS = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);

/** The request as trigger data. `query` is left out: the library reads it from the URL, where repeated keys survive. */
export function toRpcRequest(
  request: IncomingMessage,
  url: URL,
  params: Record<string, string>,
  body: Uint8Array,
): RpcData {
  const data = body.byteLength > 0 ? { bytes: body } : undefined;
  return { http: { method: request.method, url: url.href, headers: headersOf(request), params, body: data } };
}

/** What comes with every HTTP invocation: the route's parameters, and the headers, which a streamed request has from here. */
export function toTriggerMetadata(
  request: IncomingMessage,
  url: URL,
  params: Record<string, string>,
): Record<string, RpcData> {
  return {
    ...Object.fromEntries(Object.entries(params).map(([name, value]) => [name, { string: value }])),
    Query: { json: JSON.stringify(Object.fromEntries(url.searchParams)) },
    Headers: { json: JSON.stringify(headersOf(request)) },
  };
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

/** The function's answer; nothing at all is 204, and data that is no response is the body of a 200. */
export function fromRpcResponse(data: RpcData | null | undefined): HttpAnswer {
  if (!data) return { status: 204, headers: [], body: new Uint8Array() };
  if (!data.http) return { status: 200, headers: [contentType(data)], body: toBytes(data) };
  const { statusCode = '200', headers = {}, cookies = [], body } = data.http;
  const kept = Object.entries(headers).filter(([name]) => !TRANSFER_HEADERS.has(name.toLowerCase()));
  return {
    status: Number(statusCode),
    headers: [...kept, ...cookies.map((cookie): [string, string] => ['set-cookie', toSetCookie(cookie)])],
    body: toBytes(body),
  };
}

function contentType(data: RpcData): [string, string] {
  if (data.json != null) return ['content-type', 'application/json; charset=utf-8'];
  return ['content-type', data.bytes ? 'application/octet-stream' : 'text/plain; charset=utf-8'];
}

function toBytes(data: RpcData | null | undefined): Uint8Array {
  return data?.bytes ?? Buffer.from(data?.string ?? data?.json ?? '');
}

function toSetCookie(cookie: RpcCookie): string {
  const parts = [`${encodeURIComponent(cookie.name)}=${encodeURIComponent(cookie.value)}`];
  if (cookie.domain?.value) parts.push(`Domain=${cookie.domain.value}`);
  if (cookie.path?.value) parts.push(`Path=${cookie.path.value}`);
  if (cookie.expires?.value) parts.push(`Expires=${toDate(cookie.expires.value).toUTCString()}`);
  if (cookie.maxAge?.value != null) parts.push(`Max-Age=${Math.trunc(cookie.maxAge.value)}`);
  if (cookie.secure?.value) parts.push('Secure');
  if (cookie.httpOnly?.value) parts.push('HttpOnly');
  if (cookie.sameSite === 'lax') parts.push('SameSite=Lax');
  if (cookie.sameSite === 'strict') parts.push('SameSite=Strict');
  if (cookie.sameSite === 'explicitNone') parts.push('SameSite=None');
  return parts.join('; ');
}

function toDate(time: { seconds: number } | string | Date): Date {
  return typeof time === 'object' && 'seconds' in time ? new Date(time.seconds * 1000) : new Date(time);
}
