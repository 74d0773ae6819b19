/** Whether axios has its adapter `xhr`. Looked at when this is loaded, as axios does. */
export const hasXhr: boolean = 'XMLHttpRequest' in globalThis;
