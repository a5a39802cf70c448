/** Names of separators that may be asked for: those of the Demucs releases, and ours. Not each one is everywhere. */
export const MODELS = [
  'htdemucs',
  'htdemucs_ft',
  'htdemucs_6s',
  'hdemucs_mmi',
  'mdx',
  'mdx_extra',
  'mdx_q',
  'mdx_extra_q',
  'spectral',
] as const;

export const isModel = (name: string): boolean => MODELS.some((model) => model === name);
