import type { Config } from '../../config.ts';
import { WorkerError } from '../../errors.ts';
import { installedModel, verifyNetwork } from '../../models/store.ts';
import type { Separator, SeparatorChoice } from '../separator.ts';
import { DemucsSeparator } from './separator.ts';
import { NetworkSession } from './session.ts';

/**
 * Opens the network of an installed model that gives the chosen stems.
 *
 * @throws WorkerError `model_unavailable` where it is damaged or can't be loaded, or its weights are not those of the plan:
 * the stems of one song must not be made by two networks.
 */
export async function openDemucs(choice: SeparatorChoice, config: Config): Promise<Separator> {
  const { model, stems, weights } = choice;
  const networks = installedModel(config.modelsDir, model)?.networks ?? [];
  const network = networks.find((each) => each.stems.some((stem) => stems.includes(stem)));
  if (!network || !weights.includes(network.checkpoint.sha256)) {
    throw new WorkerError(
      'model_unavailable',
      `The weights of '${model}' in ${config.modelsDir} are not those that this run began with. Start the analysis again.`,
    );
  }
  await verifyNetwork(model, network);
  const precision = choice.precision ?? config.network.precision;
  const session = await NetworkSession.load(network.folder, network, { ...config.network, precision });
  return new DemucsSeparator(session, choice.overlap ?? config.network.overlap);
}
