import { Ajv } from 'ajv';
import { WorkerError } from '../errors.ts';
import { JAMS_SCHEMA } from './schema.ts';

/** Compiled while the app loads: it takes a tenth of a second in which nothing else is answered. */
const isJams = new Ajv({ discriminator: true, allowUnionTypes: true, strictRequired: false }).compile(
  JAMS_SCHEMA,
);

/**
 * Checks a JAMS document against the full schema and the schemas of its namespaces.
 *
 * @throws WorkerError `internal` that names the place and what is wrong there.
 */
export function validateJams(document: unknown): void {
  if (isJams(document)) return;
  const error = isJams.errors?.[0];
  const detail =
    error?.params && 'additionalProperty' in error.params ? ` ('${error.params.additionalProperty}')` : '';
  throw new WorkerError(
    'internal',
    `The annotation is no valid JAMS: ${error?.instancePath || '/'} ${error?.message}${detail}.`,
  );
}
