/** PFFFT (J. Pommier) as WebAssembly: what is used of it. Pointers are byte offsets into `HEAPF32`. */
declare module '@echogarden/pffft-wasm/simd' {
  export interface Pffft {
    readonly HEAPF32: Float32Array;
    /** `kind` 0: of real numbers. Gives 0 for a size that it can't do. */
    _pffft_new_setup(size: number, kind: number): number;
    _pffft_aligned_malloc(bytes: number): number;
    /** `direction` 0 forward, 1 backward; neither scales. */
    _pffft_transform_ordered(
      setup: number,
      input: number,
      output: number,
      work: number,
      direction: number,
    ): void;
  }
  export default function load(): Promise<Pffft>;
}
