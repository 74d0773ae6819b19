const { required } = require('./required.cjs');
const { scenario } = require('./scenario.cjs');

test('the packages in Jest, without flags', () => scenario(required), 60_000);
