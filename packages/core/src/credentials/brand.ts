/** Under which credentials hand adapters their view: registered, so that it is one over two copies of this package. */
export const adapterView: unique symbol = Symbol.for('clientcert.adapter') as never;
