import createRouter, { type HTTPMethod } from 'find-my-way';
import { HostSetupError } from '../errors.ts';

/** What a binding without `methods` answers to. */
const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Room for any identifier: the router's own limit of 100 characters would turn longer ones into 404. */
const MAX_PARAMETER_LENGTH = 8192;

export interface Route {
  functionName: string;
  /** Path with the prefix and a slash in front, in the form of Functions: `/api/songs/{id}`. */
  template: string;
  methods: string[];
}

export type RouteMatch =
  | { kind: 'found'; functionName: string; params: Record<string, string> }
  | { kind: 'wrong-method'; allowed: string[] }
  | { kind: 'unknown' };

/** The route of an HTTP trigger: the binding's, or else the function's name. */
export function toRoute(
  functionName: string,
  binding: { readonly [key: string]: unknown },
  prefix: string,
): Route {
  const route = typeof binding.route === 'string' ? binding.route : functionName;
  const methods = Array.isArray(binding.methods)
    ? binding.methods.map((method) => `${method}`.toUpperCase())
    : [];
  const template = `/${[prefix, route.replace(/^\/+|\/+$/g, '')].filter(Boolean).join('/')}`;
  return { functionName, template, methods: methods.length > 0 ? methods : ALL_METHODS };
}

/**
 * Finds the function for a method and a path. As under Azure, letter case and a trailing slash do not matter and
 * parameters are decoded. HEAD is answered by the function for GET where none is declared for HEAD.
 * @throws HostSetupError from the start where two functions claim one route.
 */
export function routesOf(routes: readonly Route[]): (method: string, path: string) => RouteMatch {
  const router = createRouter({
    caseSensitive: false,
    ignoreTrailingSlash: true,
    maxParamLength: MAX_PARAMETER_LENGTH,
  });
  const known = [...new Set(routes.flatMap((route) => route.methods))];
  for (const route of routes) {
    try {
      const { path, catchAll } = toRouterPath(route.template);
      router.on(route.methods as HTTPMethod[], path, () => {}, { ...route, catchAll });
    } catch (error) {
      const why = (error as Error).message;
      throw new HostSetupError(`the route ${route.template} of ${route.functionName}: ${why}`, {
        cause: error,
      });
    }
  }

  const find = (method: string, path: string) => {
    const match = router.find(method as HTTPMethod, path);
    if (!match) return undefined;
    const { functionName, catchAll } = match.store as Route & { catchAll: string | undefined };
    const params: Record<string, string> = {};
    for (const [name, value] of Object.entries(match.params)) {
      if (value !== undefined) params[name === '*' ? (catchAll ?? name) : name] = value;
    }
    return { kind: 'found', functionName, params } as const;
  };

  return (method, path) => {
    const found = find(method, path) ?? (method === 'HEAD' ? find('GET', path) : undefined);
    if (found) return found;
    const allowed = known.filter((other) => find(other, path));
    return allowed.length > 0 ? { kind: 'wrong-method', allowed } : { kind: 'unknown' };
  };
}

/** `{id}` to `:id`, `{id:int}` to `:id`, `{id?}` to `:id?`, `{*rest}` to `*`; constraints are not enforced. */
function toRouterPath(template: string): { path: string; catchAll: string | undefined } {
  let catchAll: string | undefined;
  const path = template.replace(/\{(\*{0,2})(\w+)(?::[^}?]*)?(\?)?\}/g, (_, star, name, optional = '') => {
    if (star === '') return `:${name}${optional}`;
    catchAll = name;
    return '*';
  });
  return { path, catchAll };
}
