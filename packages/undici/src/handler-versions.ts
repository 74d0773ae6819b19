import * as undici from 'undici';
import { Forward, type Handler } from './forward.ts';
import { asRaw } from './raw-handler.ts';

type Dispatch = undici.Dispatcher['dispatch'];
type Wrapper = new (dispatcher: { dispatch: Dispatch }) => undici.Dispatcher;

/** undici 8's, for the handlers of undici 6 and 7 that Node 20 to 24 come with; undici 7 takes all. */
const { Dispatcher1Wrapper } = undici as { Dispatcher1Wrapper?: Wrapper };

/** Dispatches for the handler of another version of undici than the one that is installed, as Node's fetch is. */
export function dispatchFor(
  handler: Handler,
  request: undici.Dispatcher.DispatchOptions,
  dispatch: Dispatch,
): boolean {
  const isNew = handler.onRequestStart !== undefined;
  if (Dispatcher1Wrapper) {
    return isNew
      ? dispatch(request, handler)
      : new Dispatcher1Wrapper({ dispatch }).dispatch(request, handler);
  }
  return dispatch(request, isNew && !asRaw(handler) ? new RawHeaders(handler) : handler);
}

/** The fetch that Node 26 comes with reads headers where undici 7 puts them from 7.30 on. */
class RawHeaders extends Forward {
  override onResponseStart(...args: Parameters<Forward['onResponseStart']>): void {
    const [controller, , headers] = args;
    (controller as RawController).rawHeaders ??= Object.entries(headers).flatMap(([name, value = []]) =>
      [value].flat().flatMap((each) => [Buffer.from(name, 'latin1'), Buffer.from(each, 'latin1')]),
    );
    super.onResponseStart(...args);
  }
}

type RawController = undici.Dispatcher.DispatchController & { rawHeaders?: Buffer[] | null };
