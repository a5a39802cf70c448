import type { ContainerClient } from '@azure/storage-blob';
import { type Config, readConfig } from '../config.ts';
import { openContainer } from '../storage/container.ts';

/** What a stage works with. */
export interface StageContext {
  readonly config: Config;
  readonly container: ContainerClient;
  readonly signal?: AbortSignal;
  /** For those who watch the worker. */
  readonly log?: (text: string) => void;
}

/** The context that the environment configures. */
export function stageContext(): StageContext {
  const config = readConfig();
  return { config, container: openContainer(config) };
}
