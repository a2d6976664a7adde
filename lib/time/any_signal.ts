/**
 * A signal that is aborted with the first of others, and lets go of them when it is disposed of. `AbortSignal.any` would stay
 * with them, and one that lives as long as hail would collect what was made of it.
 */
export interface AnySignal extends Disposable {
  readonly signal: AbortSignal;
}

/** Makes an {@linkcode AnySignal}. Its reason is that of the signal that was aborted. */
export function anySignal(...signals: readonly AbortSignal[]): AnySignal {
  const controller = new AbortController();
  const listeners = signals.map((signal) => {
    const listener = () => controller.abort(signal.reason);
    signal.addEventListener("abort", listener, { once: true });
    return { signal, listener };
  });
  const aborted = signals.find((signal) => signal.aborted);
  if (aborted !== undefined) controller.abort(aborted.reason);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) signal.removeEventListener("abort", listener);
    },
  };
}
