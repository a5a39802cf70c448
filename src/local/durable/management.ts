import { type DurableEngine, EngineError, FINISHED } from './engine.ts';
import type { Instance } from './store.ts';

const ROOT = '/runtime/webhooks/durabletask/';

/** Answers a request to the endpoints; undefined where it is none of theirs. */
export type ManagementApi = (request: Request) => Promise<Response | undefined>;

/** The management endpoints of the Durable extension, as the durable client and people call them. */
export function managementApi(engine: DurableEngine): ManagementApi {
  return async (request) => {
    const url = new URL(request.url);
    if (!url.pathname.startsWith(ROOT)) return undefined;
    const path = url.pathname.slice(ROOT.length).split('/').map(decodeURIComponent);
    try {
      return await answer(engine, request, path, url.searchParams);
    } catch (error) {
      if (error instanceof EngineError)
        return Response.json({ Message: error.message }, { status: error.status });
      throw error;
    }
  };
}

async function answer(
  engine: DurableEngine,
  request: Request,
  [collection, id, verb, name]: string[],
  query: URLSearchParams,
): Promise<Response> {
  const reason = query.get('reason') ?? '';
  switch (`${request.method} ${collection}${verb ? `/${verb}` : ''}`) {
    case 'POST orchestrators':
    case `POST orchestrators/${verb}`: {
      const started = engine.startNew(id, verb || undefined, await jsonText(request));
      return Response.json(
        { id: started, statusQueryGetUri: `${new URL(request.url).origin}${ROOT}instances/${started}` },
        { status: 202 },
      );
    }
    case 'GET instances': {
      if (!id)
        return Response.json(
          engine
            .instances()
            .filter(filterOf(query))
            .map((one) => statusOf(one, query)),
        );
      const instance = engine.instance(id);
      if (!instance) throw new EngineError(404, `There is no instance '${id}'.`);
      const status = FINISHED.has(instance.status) ? 200 : 202;
      const history = query.get('showHistory') === 'true' ? { historyEvents: engine.history(id) } : {};
      return Response.json({ ...statusOf(instance, query), ...history }, { status });
    }
    case 'DELETE instances': {
      const chosen = id
        ? [id]
        : engine
            .instances()
            .filter(filterOf(query))
            .map((instance) => instance.id);
      const instancesDeleted = chosen.filter((one) => engine.purge(one)).length;
      if (instancesDeleted === 0)
        throw new EngineError(404, `There is no finished instance ${id ? `'${id}'` : 'of that kind'}.`);
      return Response.json({ instancesDeleted });
    }
    case 'POST instances/raiseEvent':
      engine.raiseEvent(id, name, await jsonText(request));
      return new Response(null, { status: 202 });
    case 'POST instances/terminate':
      engine.terminate(id, reason);
      return new Response(null, { status: 202 });
    case 'POST instances/suspend':
      engine.suspend(id);
      return new Response(null, { status: 202 });
    case 'POST instances/resume':
      engine.resume(id);
      return new Response(null, { status: 202 });
    default:
      throw new EngineError(
        501,
        `The embedded host does not support ${request.method} ${[collection, verb].filter(Boolean).join('/')}.`,
      );
  }
}

/** The body as the JSON text that inputs and events are kept as; nothing is null. @throws EngineError 400 */
async function jsonText(request: Request): Promise<string> {
  const text = (await request.text()) || 'null';
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new EngineError(400, 'Invalid JSON content: the body is to be JSON, or empty.');
  }
}

/** Whether an instance is one of those that a query asks for, by when it was created and how it is. */
function filterOf(query: URLSearchParams): (instance: Instance) => boolean {
  const time = (name: string, otherwise: number) => {
    const text = query.get(name);
    const value = text ? Date.parse(text) : otherwise;
    if (Number.isNaN(value)) throw new EngineError(400, `${name}: expected a date, got '${text}'.`);
    return value;
  };
  const from = time('createdTimeFrom', Number.NEGATIVE_INFINITY);
  const to = time('createdTimeTo', Number.POSITIVE_INFINITY);
  const statuses = query.get('runtimeStatus')?.split(',');
  return ({ created, status }) =>
    Date.parse(created) >= from && Date.parse(created) <= to && (!statuses || statuses.includes(status));
}

function statusOf(
  { id, name, status, input, output, customStatus, created, updated }: Instance,
  query: URLSearchParams,
): object {
  const parse = (text: string | null) => (text === null ? null : parsed(text));
  return {
    name,
    instanceId: id,
    runtimeStatus: status,
    input: query.get('showInput') === 'false' ? null : parse(input),
    output: parse(output),
    customStatus: parse(customStatus),
    createdTime: created,
    lastUpdatedTime: updated,
  };
}

/** One text that is no JSON must not hide all other instances. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
