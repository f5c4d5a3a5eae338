import type { Command } from '../command.ts';
import { diagnose } from './diagnose.ts';
import { doctor } from './doctor.ts';
import { edit } from './edit.ts';
import { editPictures } from './edit-pictures.ts';
import { evaluate } from './evaluate.ts';
import { launch } from './launch.ts';
import { plan } from './plan.ts';
import { pretrain } from './pretrain.ts';
import { resume, train } from './train.ts';

/** Every command of `thinkrl`, in the order of the help. */
export const commands: readonly Command[] = [
  train,
  resume,
  pretrain,
  evaluate,
  edit,
  editPictures,
  plan,
  diagnose,
  launch,
  doctor,
];
