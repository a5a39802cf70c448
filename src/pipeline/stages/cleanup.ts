import { removeLocalSong } from '../audio/local-song.ts';
import type { SourceInfo } from '../contracts.ts';
import { workPrefix } from '../storage/names.ts';
import type { StageContext } from './context.ts';

/** Removes a run's work blobs and this machine's decoded copy. */
export async function cleanup(
  { audio_file_id, source }: { audio_file_id: string; source?: SourceInfo },
  { container, config }: StageContext,
): Promise<void> {
  for await (const { name } of container.listBlobsFlat({ prefix: workPrefix(audio_file_id) })) {
    await container.getBlobClient(name).deleteIfExists();
  }
  if (source) await removeLocalSong(source, config);
}
