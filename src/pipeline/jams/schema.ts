/**
 * JAMS 0.3.5 as JSON Schema: the file's structure, and for each namespace of ours what its observations hold. As strict
 * as the reference validator: keys that it does not know are errors, extras belong into a `sandbox`.
 *
 * Source: Humphrey et al., "JAMS: a JSON annotated music specification for reproducible MIR research", ISMIR 2014.
 */
const text = { type: 'string' };
const seconds = { type: 'number', minimum: 0 };
const sandbox = { type: ['object', 'null'] };

/** An object with these keys and no others. */
function exact(
  properties: Record<string, object>,
  required: readonly string[] = Object.keys(properties),
): object {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** `C:maj`, `F#:min7/b3`, `N`, `X`: Harte et al., "Symbolic representation of musical chords", ISMIR 2005. */
const QUALITY =
  'maj|min|dim|aug|1|5|sus2|sus4|maj6|min6|7|maj7|min7|dim7|hdim7|minmaj7|aug7|9|maj9|min9|11|maj11|min11|13|maj13|min13';
const DEGREE = '(?:b*|#*)(?:[1-9]|1[0-3])';
const ADDED = `\\(\\*?${DEGREE}(?:,\\*?${DEGREE})*\\)`;
const CHORD = `^(?:N|X|[A-G](?:b*|#*)(?::(?:(?:${QUALITY})(?:${ADDED})?|${ADDED}))?(?:/${DEGREE})?)$`;
const KEY =
  '^(?:N|[A-G][b#]?(?::(?:major|minor|ionian|dorian|phrygian|lydian|mixolydian|aeolian|locrian))?)$';

/** Schema of an observation's `value` (and `confidence` where it is fixed) by namespace. */
export const NAMESPACES: Readonly<Record<string, { value: object; confidence?: object }>> = {
  tempo: { value: { type: 'number', minimum: 0 }, confidence: { type: 'number', minimum: 0, maximum: 1 } },
  key_mode: { value: { type: 'string', pattern: KEY } },
  beat: { value: { type: ['number', 'null'] } },
  beat_position: {
    value: exact({
      position: { type: 'integer', minimum: 1 },
      measure: { type: 'integer', minimum: 0 },
      num_beats: { type: 'integer', minimum: 1 },
      beat_units: { type: 'integer', enum: [1, 2, 4, 8, 16, 32, 64, 128, 256] },
    }),
  },
  segment_open: { value: text },
  chord: { value: { type: 'string', pattern: CHORD } },
};

const annotationMetadata = exact(
  {
    curator: exact({ name: text, email: text }),
    annotator: { type: 'object' },
    version: text,
    corpus: text,
    annotation_tools: text,
    annotation_rules: text,
    validation: text,
    data_source: text,
  },
  [],
);

const annotations = Object.entries(NAMESPACES).map(([namespace, { value, confidence }]) =>
  exact(
    {
      annotation_metadata: annotationMetadata,
      namespace: { const: namespace },
      data: {
        type: 'array',
        items: exact({
          time: seconds,
          duration: seconds,
          value,
          confidence: confidence ?? { type: ['number', 'null'] },
        }),
      },
      sandbox,
      time: seconds,
      duration: { type: ['number', 'null'], minimum: 0 },
    },
    ['annotation_metadata', 'namespace', 'data'],
  ),
);

export const JAMS_SCHEMA = exact(
  {
    file_metadata: exact(
      {
        title: text,
        artist: text,
        release: text,
        duration: seconds,
        identifiers: { type: 'object' },
        jams_version: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$' },
      },
      ['duration', 'jams_version'],
    ),
    annotations: {
      type: 'array',
      items: {
        type: 'object',
        required: ['namespace'],
        discriminator: { propertyName: 'namespace' },
        oneOf: annotations,
      },
    },
    sandbox,
  },
  ['file_metadata', 'annotations'],
);
