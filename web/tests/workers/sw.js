importScripts('../sw.js');
