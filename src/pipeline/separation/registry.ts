import type { Config } from '../config.ts';
import { WorkerError } from '../errors.ts';
import { isModel, MODELS } from './models.ts';
import type { Separator } from './separator.ts';
import { SpectralSeparator } from './spectral/separator.ts';

/** Every separator by its model's name. */
const SEPARATORS: Readonly<Record<string, () => Separator>> = {
  spectral: () => new SpectralSeparator(),
};

/**
 * A new separator for `model`. The caller closes it.
 *
 * @throws WorkerError `model_unavailable`.
 */
export function createSeparator(model: string): Separator {
  const create = SEPARATORS[model];
  if (!create) throw unavailable(model);
  return create();
}

/** Whether `model` can separate here. */
export const isAvailable = (model: string): boolean => model in SEPARATORS;

/**
 * The model that separates when `requested` was asked for. Only where the configuration names a fall-back (the local
 * commands do, Azure does not) may it be another one; the result then names both. A name that means nothing is an error
 * everywhere.
 *
 * @throws WorkerError `model_unavailable`.
 */
export function resolveModel(requested: string, config: Pick<Config, 'modelFallback'>): string {
  if (!isModel(requested)) {
    throw new WorkerError(
      'model_unavailable',
      `There is no model '${requested}'. Known: ${MODELS.join(', ')}.`,
    );
  }
  const model = isAvailable(requested) ? requested : (config.modelFallback ?? requested);
  if (!isAvailable(model)) throw unavailable(model);
  return model;
}

function unavailable(model: string): WorkerError {
  const there = Object.keys(SEPARATORS).join(', ');
  return new WorkerError(
    'model_unavailable',
    `The model '${model}' is not available here. Available: ${there}.`,
  );
}
