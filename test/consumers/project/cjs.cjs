const { required } = require('./required.cjs');
const { scenario } = require('./scenario.cjs');

scenario(required);
