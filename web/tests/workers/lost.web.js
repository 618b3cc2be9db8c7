import './starts.js';
import './lost-module.js';
