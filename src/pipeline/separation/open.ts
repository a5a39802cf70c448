import type { Config } from '../config.ts';
import { ComplementSeparator } from './complement.ts';
import { SPECTRAL } from './registry.ts';
import type { Separator, SeparatorChoice } from './separator.ts';
import { SpectralSeparator } from './spectral/separator.ts';

/**
 * Opens what a plan has chosen. The caller closes it.
 *
 * @throws WorkerError `model_unavailable`.
 */
export async function openSeparator(choice: SeparatorChoice, config: Config): Promise<Separator> {
  if (choice.model === SPECTRAL) return new ComplementSeparator(new SpectralSeparator());
  // Only here: onnxruntime's library is not loaded where it isn't needed.
  const { openDemucs } = await import('./demucs/open.ts');
  return new ComplementSeparator(await openDemucs(choice, config));
}
