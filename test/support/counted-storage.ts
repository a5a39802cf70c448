import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ContainerClient, ContainerSASPermissions } from '@azure/storage-blob';

/** A storage as somebody sees it who has certain rights only, with what was asked of it. */
export interface CountedStorage {
  readonly container: ContainerClient;
  /** Method and blob name of each request. */
  readonly requests: string[];
  stop(): void;
}

/** Lets a container be reached through an address that counts, with a token of `permissions` (`r` read, `l` list …). */
export async function countRequests(
  container: ContainerClient,
  permissions: string,
): Promise<CountedStorage> {
  const requests: string[] = [];
  const address = new URL(
    await container.generateSasUrl({
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 3_600_000),
    }),
  );
  const { hostname, port, pathname } = address;
  const server = createServer((incoming, answer) => {
    const { method, headers, url = '' } = incoming;
    requests.push(`${method} ${decodeURIComponent(url.split('?')[0].slice(pathname.length + 1))}`);
    const onward = request({ hostname, port, method, headers, path: url }, (reply) => {
      answer.writeHead(reply.statusCode!, reply.headers);
      reply.pipe(answer);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address.port = `${(server.address() as AddressInfo).port}`;
  return {
    container: new ContainerClient(address.href),
    requests,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
