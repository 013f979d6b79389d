// Property tests draw the same values in every run, so that a run that is red is red again; PROPERTY_SEED, any whole
// number, has them draw others.
import fc from 'fast-check';

const usual = 20261125;

fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? usual) });
