import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';

/** A text that somebody wrote, by where it stands. */
export type Written = Record<string, string>;

/** Files below a folder, but for what a storage keeps there: that has blobs of its own, and its log is none of them. */
export function writtenFiles(folder: string): Written {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  const told = paths.filter((path) => !/azurite[/\\]/.test(path) || path.endsWith('.log'));
  return Object.fromEntries(told.map((path) => [path, readFileSync(path, 'latin1')]));
}

/** Blobs of a storage with their names and metadata, but for work files and sound; and what waits in its queues. */
export async function writtenBlobs(connectionString: string): Promise<Written> {
  const written: Written = {};
  const blobs = BlobServiceClient.fromConnectionString(connectionString);
  for await (const { name: container } of blobs.listContainers()) {
    const client = blobs.getContainerClient(container);
    for await (const { name, metadata } of client.listBlobsFlat({ includeMetadata: true })) {
      if (name.includes('/work/')) continue;
      const bytes = /\.wav$/.test(name) ? '' : await client.getBlobClient(name).downloadToBuffer();
      written[`${container}/${name}`] = `${name} ${JSON.stringify(metadata)} ${bytes}`;
    }
  }
  const queues = QueueServiceClient.fromConnectionString(connectionString);
  for await (const { name } of queues.listQueues()) {
    const { peekedMessageItems } = await queues.getQueueClient(name).peekMessages({ numberOfMessages: 32 });
    const texts = peekedMessageItems.map(({ messageText }) => Buffer.from(messageText, 'base64'));
    written[`queue ${name}`] = texts.join('\n');
  }
  return written;
}

/** Where any of the marks stands in what was written, as it is, percent-encoded or in Base64. */
export function foundIn(written: Written, marks: Readonly<Record<string, string>>): string[] {
  const forms = (mark: string) => [mark, encodeURIComponent(mark), Buffer.from(mark).toString('base64')];
  return Object.entries(written).flatMap(([place, text]) =>
    Object.entries(marks).flatMap(([name, mark]) =>
      forms(mark).some((form) => text.includes(form)) ? [`${name} in ${place}`] : [],
    ),
  );
}
