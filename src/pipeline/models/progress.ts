/** How far a file has come: `bytes` of `total`. */
export interface FileProgress {
  readonly file: string;
  readonly bytes: number;
  readonly total: number;
}

export type OnProgress = (done: FileProgress) => void;
