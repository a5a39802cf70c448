import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeThrough } from '../../../src/local/azurite/write-through.ts';

interface Database {
  addCollection(name: string): { insert(row: object): void };
  loadDatabase(options: object, done: () => void): void;
  saveDatabase(done: () => void): void;
}

/** Keeps what it is given until it is told to go on. */
class SlowDisk {
  readonly saved: string[] = [];
  #waiting: (() => void)[] = [];

  loadDatabase(_: string, done: (text: null) => void): void {
    this.#waiting.push(() => done(null));
  }

  saveDatabase(_: string, text: string, done: () => void): void {
    this.#waiting.push(() => {
      this.saved.push(text);
      done();
    });
  }

  get isAsked(): boolean {
    return this.#waiting.length > 0;
  }

  goOn(): void {
    for (const done of this.#waiting.splice(0)) done();
  }
}

const disk = new SlowDisk();
let database: Database;
let rows: { insert(row: object): void };
const server = createServer(({ method }, answer) => {
  if (method === 'PUT') rows.insert({ word: 'told' });
  answer.end();
});
let url: string;

beforeAll(async () => {
  const azurite = createRequire(import.meta.resolve('azurite/package.json'));
  const Loki = azurite('lokijs') as { prototype: never } & (new (name: string, options: object) => Database);
  writeThrough(Loki);
  database = new Loki('songs', { adapter: disk, autosave: true, autosaveInterval: 600_000 });
  rows = database.addCollection('rows');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => void server.close());

it('an answer to a change comes when that is saved, also beside a save that was under way', async () => {
  let answered = 0;
  const put = () => fetch(url, { method: 'PUT' }).then(() => answered++);
  const first = put();
  await expect.poll(() => disk.isAsked).toBe(true);
  const second = put();
  await fetch(url);
  expect(answered).toBe(0);
  await expect.poll(() => disk.goOn() ?? answered).toBe(2);
  await Promise.all([first, second]);
  expect(disk.saved.at(-1)?.match(/told/g)).toHaveLength(2);
});

it('no answer waits for a database that is being loaded', async () => {
  const loaded = new Promise<void>((resolve) => database.loadDatabase({}, resolve));
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(200);
  disk.goOn();
  await loaded;
});
